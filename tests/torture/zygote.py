"""`python -m tests.torture.zygote MODULE`: a process that has imported what takes seconds, and forks off others that
run MODULE's `main`. They are processes like any other: killed, waited for, with files for what they say.

It is asked on standard input and answers on standard output, a line of JSON each. `processes.py` asks.
"""

import gc
import io
import json
import os
import sys
import traceback
from importlib import import_module


def run(main, words, cwd, environment, out) -> None:
    """In the forked process, which never comes back."""
    code = 1
    try:
        os.chdir(cwd)
        for name, value in environment.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})
        for number, name in ((0, os.devnull), (1, f"{out}.out"), (2, f"{out}.err")):
            file = os.open(name, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
            os.dup2(file, number)
            os.close(file)
        if user := int(os.environ.pop("TORTURE_USER", 0)):
            os.setgroups([])
            os.setgid(user)
            os.setuid(user)
        encoding = os.environ.get("PYTHONIOENCODING", "utf-8")
        sys.stdin, sys.stdout, sys.stderr = (
            io.TextIOWrapper(io.FileIO(number, mode, closefd=False), encoding, line_buffering=number > 0)
            for number, mode in enumerate("rww")
        )
        sys.__stdout__, sys.__stderr__ = sys.stdout, sys.stderr
        try:
            main(*words)
            code = 0
        except SystemExit as ended:
            code = int(ended.code or 0)
        except BaseException:
            traceback.print_exc()
        gc.collect()  # as a process that ends does: what is left open is closed
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def serve(module) -> None:
    if hasattr(module, "warm"):
        module.warm()
    for line in sys.stdin:
        asked = json.loads(line)
        if "wait" in asked:
            answer = os.waitstatus_to_exitcode(os.waitpid(asked["wait"], 0)[1])
        else:
            answer = os.fork()
            if answer == 0:
                run(module.main, **asked)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    serve(import_module(sys.argv[1]))
