"""What the commands say, in the language of the terminal. The English sentence is the key."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

_JAPANESE: Final = {
    "Sent: {id} ({state})": "送信しました: {id} ({state})",
    "Received: {path}": "受信しました: {path}",
    "Already here: {path}": "受信済みです: {path}",
    "Going on with {id}, which was begun before.": "前回の続きから送ります: {id}",
    "The connection was lost; trying again in {seconds} s.": "接続が切れました。{seconds}秒後に再試行します。",
    "A code was mailed to the recipient's address. Code": "受信者のアドレスにコードを送りました。コード",
    "Password": "パスワード",
    "Set KOZUTUMI_URL to the address of your organization, such as https://acme.example.com.": (
        "KOZUTUMI_URL に組織のアドレスを設定してください (例: https://acme.example.com)。"
    ),
    "Set KOZUTUMI_TOKEN, or write a token into {path} (mode 0600).": (
        "KOZUTUMI_TOKEN を設定するか、トークンを {path} に書いてください (モード 0600)。"
    ),
    "{path} can be read by others; run: chmod 600 {path}": "{path} が他人に読めます。実行してください: chmod 600 {path}",
    "{path} is no file or folder.": "{path} はファイルでもフォルダーでもありません。",
    "There is nothing to send in {path}.": "{path} には送るものがありません。",
    "{path} changed while it was sent.": "{path} は送信中に変わりました。",
    "{name}: what arrived is not what was sent (SHA-256). It was removed; please try again.": (
        "{name}: 届いた内容が送られたものと違います (SHA-256)。削除しました。もう一度お試しください。"
    ),
    "{name} is not scanned yet or was refused.": "{name} はまだ検査されていないか、拒否されました。",
    "This is no link to files: {link}": "ファイルへのリンクではありません: {link}",
    "These files need your account: set KOZUTUMI_URL to {url} and its token.": (
        "このファイルを開くにはアカウントが必要です。KOZUTUMI_URL に {url} を、あわせてそのトークンを設定してください。"
    ),
    "{host} cannot be reached: {reason}": "{host} に接続できません: {reason}",
    "No virus scanner looked inside {name}.": "{name} はウイルス検査されていません。",
    "state": "状態",
    "subject": "件名",
    "recipient": "受信者",
    "received": "受信",
    "created": "作成",
    "expires": "期限",
    "file": "ファイル",
    "size": "サイズ",
}


def language(environment: Mapping[str, str] = os.environ) -> str:
    """`ja` or `en`, as POSIX chooses the language of messages (LC_ALL, LC_MESSAGES, LANG in this order)."""
    chosen = next((environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), "")
    return "ja" if chosen.lower().startswith("ja") else "en"


def say(sentence: str, /, **values: object) -> str:
    text = _JAPANESE.get(sentence, sentence) if language() == "ja" else sentence
    return text.format(**values)
