"""A broker under fire: workers and servers are killed at random, and every job is accounted for."""
