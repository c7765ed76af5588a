"""The kimchi premium, earned by durable cycles."""
