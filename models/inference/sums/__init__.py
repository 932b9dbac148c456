"""Networks beside others: the mean of two, the sum with a linear model, each with the interface of one."""
