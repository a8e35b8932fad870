"""How much memory a process has ever had."""

from pathlib import Path


def peak_bytes(pid: int | None = None) -> int:
    """Of that process, or of this one. Not getrusage's ru_maxrss: that begins with the peak of whoever started it."""
    status = Path(f"/proc/{'self' if pid is None else pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))
