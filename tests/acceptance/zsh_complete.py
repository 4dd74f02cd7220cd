"""Types a line and a tabulator into a zsh at a terminal; prints the line that comes out of it.

zsh_complete.py SCRIPT LINE
"""

import os
import pty
import re
import select
import sys
import time

script, line = sys.argv[1:]
os.environ.update(TERM="dumb", ZDOTDIR=os.getcwd(), PS1="")
pid, terminal = pty.fork()
if pid == 0:
    os.execvp("zsh", ["zsh", "-f", "-i"])


def read_until(pattern, seconds=20):
    """Reads what the shell prints until the pattern is in it."""
    text, end = "", time.monotonic() + seconds
    while time.monotonic() < end and not re.search(pattern, text):
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                text += os.read(terminal, 65536).decode(errors="replace")
            except OSError:
                break
    return text


def send(text):
    os.write(terminal, text.encode())


# A widget prints the line as the editor has it: what is on the screen may be drawn in many ways. The marks are put together
# by the shell, as it echoes what is typed.
send("PS1=; autoload -U compinit; compinit -u -D; setopt no_beep no_list_beep\n")
program = line.split()[0]
send(f"source ./{script} 2>/dev/null; compdef _{program} {program}\n")
send("show() { print -r -- \"<\"\"LINE:$BUFFER\"\">\"; BUFFER=; }; zle -N show; bindkey '^Xp' show\n")
send("print READ''Y\n")
read_until("READY")
send(line + "\t")
time.sleep(1)
send("\x18p")
found = re.search(r"<LINE:(.*?)>", read_until(r"<LINE:.*?>"), re.DOTALL)
print(found.group(1).rstrip() if found else "nothing")
os.kill(pid, 9)
