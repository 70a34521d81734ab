"""What can be shown to others: pages as they were fetched, in the format of web archives."""
