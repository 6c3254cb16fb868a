"""TEST DATA for and against every claim: a file for each experiment that tries any, called after it.

    refuting()    verdicts on made-up measurements that refute each of the experiment's claims
    supporting()  the same on measurements as the claim has it

Both go through the experiment's own way from what it measured to its verdicts, and name every claim it has.
"""
