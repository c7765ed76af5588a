"""The composition root: the only place that builds adapters and hands them to services and activities."""
