"""Run the command line as a module, which launchers such as ``accelerate launch -m`` want."""

from apps.cli import main

if __name__ == "__main__":
    main()
