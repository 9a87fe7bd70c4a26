"""What of a case is printed: the letter 督办函, the transfer sheet 转办单, the history."""
