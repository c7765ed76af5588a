"""Where a process's spans, figures and lines go: OpenTelemetry's exporters, and the pages of one process."""
