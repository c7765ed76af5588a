"""`python -m kimp` is `kimp`."""

from kimp.cli import main

main()
