"""What kimp tells of itself while it runs: fields of log lines, spans, instruments."""
