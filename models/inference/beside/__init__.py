"""A session's network is made faster beside it: found or built, compared, raced and swapped in."""
