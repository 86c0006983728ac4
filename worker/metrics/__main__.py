"""`python -m worker.metrics`: print docs/metrics.md."""

import sys

from textsieve.worker.metrics.page import metrics_page

sys.stdout.write(metrics_page())
