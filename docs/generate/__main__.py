"""Run the generator."""

from . import main

main()
