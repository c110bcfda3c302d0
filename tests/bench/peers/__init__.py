"""What metrics is compared with. Each runs as a process of its own and says on its output how far it has come:
`@ <figures written> <monotonic clock, s> <own CPU, s>`, a line for each write.
"""
