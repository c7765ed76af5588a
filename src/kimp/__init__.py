"""The kimchi premium, earned by durable cycles."""

DISTRIBUTION = "kimp-arbitrage"
"""What pip installs and knows the version of; the name kimp belongs to another project on PyPI."""
