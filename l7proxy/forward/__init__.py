"""What a forward proxy decides, beyond what every proxy must: who may go where, and what each side learns and gets.

     request ──destination──► where to? ──loops──► been here? ──users──► who? ──rules──► may he? ──names, guard──► dial
             ──anonymity────► what the origin learns         ──filters──► what it is asked for
             ──cached───────► is it stored already? (l7proxy/cache/)
     answer  ──filters──────► what the client gets           ──anonymity──► what it learns
             ──traffic, admission──► when                    ──squidlog──► what is written down

Rules of this package:

1. Pure, all but face.py, fetch.py and threads.py: no sockets, no threads, no clock of its own. They ask, with the time
   where it matters; what says no is a Verdict (verdict.py), which names the rule and makes the answer.
2. What is prepared once is prepared when it is made; a request costs a few look-ups.
3. Nothing is decrypted: of what goes through a tunnel, only its name and port are known.
"""

from l7proxy.compiled import use

use(__path__, __name__)
