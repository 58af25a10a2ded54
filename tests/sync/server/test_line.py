"""The line of SQLite's writers: who came first is next, and who gives up loses no turn for others."""

from __future__ import annotations

import threading

from sync.server.line import Line


def test_turns_come_in_the_order_of_coming() -> None:
    line, came, went = Line(), threading.Semaphore(0), list[int]()
    assert line.take(0)

    def stand(place: int) -> None:
        came.release()
        assert line.take(10)
        went.append(place)
        line.hand_on()

    waiting = []
    for place in range(8):
        waiting.append(threading.Thread(target=stand, args=(place,)))
        waiting[-1].start()
        came.acquire()
        while len(line._waiting) <= place:  # the moment between the word and the line
            threading.Event().wait(0.001)
    line.hand_on()
    for one in waiting:
        one.join(10)
    assert went == list(range(8))
    assert line.take(0)


def test_who_gives_up_is_passed_over() -> None:
    line = Line()
    assert line.take(0)
    assert not line.take(0.01)
    line.hand_on()
    assert line.take(0)


def test_a_turn_is_never_lost_nor_doubled_among_the_impatient() -> None:
    line, inside, most = Line(), 0, 0
    counted = [0] * 6

    def stand(place: int) -> None:
        nonlocal inside, most
        for _ in range(300):
            if line.take(0.0005):
                inside += 1
                most = max(most, inside)
                inside -= 1
                counted[place] += 1
                line.hand_on()

    crowd = [threading.Thread(target=stand, args=(place,)) for place in range(6)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join(20)
    assert most == 1
    assert all(counted)
    assert line.take(0)
