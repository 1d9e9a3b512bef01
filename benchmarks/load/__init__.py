"""What the benchmarks of the engine share: content, jobs, lanes and the measuring of a process."""
