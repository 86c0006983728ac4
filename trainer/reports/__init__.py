"""Results as pages, tables and plots."""
