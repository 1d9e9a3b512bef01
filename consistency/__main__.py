"""What `python -m consistency` runs."""

from consistency.cli import main

if __name__ == "__main__":
    main()
