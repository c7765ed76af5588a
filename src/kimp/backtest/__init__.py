"""What kimp would have earned: recorded market data in columns, and the market replayed through the one decision."""
