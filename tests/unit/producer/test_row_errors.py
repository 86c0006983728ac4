from textsieve.producer.row_errors import RowErrors


def test_the_first_complaints_are_shown_and_the_others_counted():
    shown = []
    complaints = RowErrors(shown.append, limit=2)

    for number in range(5):
        complaints.add(str(number))
    complaints.close()

    assert shown == ["0", "1", "... and 3 more like these"]
    assert complaints.count == 5


def test_nothing_is_added_when_all_were_shown():
    shown = []
    complaints = RowErrors(shown.append, limit=1)

    complaints.add("one")
    complaints.close()

    assert shown == ["one"]
