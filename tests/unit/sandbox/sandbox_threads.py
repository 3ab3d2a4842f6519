"""A module that starts a thread when it is imported, and makes a folder in its user's home."""

import threading
from pathlib import Path

threading.Thread(target=threading.Event().wait, daemon=True).start()
(Path.home() / ".cache").mkdir(parents=True)
