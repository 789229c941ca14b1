"""A stand-in for PowerShell with our script: a program that plays the script's contract, stateful in a file, and wrong in listed ways.

PowerShell itself cannot be had here. It is started as the real one is, and refuses to play where it does not get exactly our script and
its values on standard input alone. What stands in the script itself is judged by test_exchange_shell.py.

    python pwsh.py STATE -NoProfile -NonInteractive -File SCRIPT
"""

import json
import sys
import time
from pathlib import Path

FIELDS = ("state", "audience", "internal", "external", "start", "end")


def main(state_file: Path, words: list[str]) -> int:
    state = json.loads(state_file.read_text("utf-8"))
    assert words[:-1] == ["-NoProfile", "-NonInteractive", "-File"], words
    asked = json.loads(sys.stdin.buffer.read().decode("ascii"))
    state["runs"].append(
        {"do": asked["do"], "script": words[3], "connect": asked.get("connect"), "items": asked["items"]}
    )
    fault = state["faults"].pop(0) if state["faults"] else {}
    if not fault or fault.get("acts"):
        result = played(state, asked)
    state_file.write_text(json.dumps(state), "utf-8")
    match fault.get("kind"):
        case "silent":
            time.sleep(fault.get("seconds", 5))
        case "garbled":
            print("PowerShell 7.5.4")
            return 0
        case "dies":
            return fault.get("status", 3)
        case "endless":
            while True:
                print("x" * 65536)
        case "error":
            result = {key: fault.get(key, "") for key in ("error", "category", "type")}
    print("\ufeffWelcome to the shell.\n" + json.dumps(result))
    return 0


def played(state: dict, asked: dict) -> dict:
    answers = [answer(state, asked["do"], item) for item in asked["items"]]
    return {"answers": answers} | ({"more": state["more"]} if asked["do"] == "check" else {})


def answer(state: dict, do: str, item: dict) -> dict:
    box = state["boxes"].get(item["mailbox"])
    if box is None:
        return {"error": "[Server=EX1],ManagementObjectNotFoundException,Get", "category": "NotSpecified", "type": "X"}
    if do == "set":
        reply = item["reply"]
        assert set(reply) == set(FIELDS), reply
        assert (reply["start"] is None) == (reply["state"] != "Scheduled"), reply
        assert reply["internal"][:1] == reply["external"][:1] == "=", reply
        texts = {key: reply[key][1:] for key in ("internal", "external")}
        box.update({key: value for key, value in (reply | texts).items() if value is not None})
        for key in ("internal", "external"):
            if box[key] and not box[key].startswith("<html>"):
                laid_out = box[key].replace("\r\n", "\n").replace("\n", "\r\n")
                box[key] = f"<html>\r\n<body>\r\n{laid_out}\r\n</body>\r\n</html>\r\n"
    today = int(time.time()) // 86400 * 86400
    window = {} if box["state"] == "Scheduled" else {"start": today, "end": today + 86400}
    return {key: box[key] for key in FIELDS} | window


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
