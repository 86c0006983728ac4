"""`python -m worker.metrics`: print docs/metrics.md."""

import sys

from textsieve.worker.metrics.reference_page import metrics_page

sys.stdout.write(metrics_page())
