"""What people ask of kimp, and what they have it do: for the command line, a web page and notifications alike."""
