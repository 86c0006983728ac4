import random

import pytest

from textsieve.producer.grammar import Kind, compose, load


def kind(template, **slots):
    return Kind("test", weight=1, channels=("web",), templates=(template,), slots=slots)


def test_choices_slots_and_digits_are_filled_in():
    text = compose(kind("[a|b] {thing} #"), shared={"thing": ("[c|d]{more}",), "more": ("!",)}, rng=random.Random(1))

    choice, thing, digit = text.split()
    assert choice in {"a", "b"}
    assert thing in {"c!", "d!"}
    assert digit.isdigit()


def test_a_kinds_own_slot_hides_the_shared_one():
    assert compose(kind("{x}", x=("own",)), shared={"x": ("shared",)}, rng=random.Random(1)) == "own"


def test_what_an_empty_choice_leaves_is_closed_up():
    assert compose(kind("so [|] it is [|]."), shared={}, rng=random.Random(1)) == "so it is."


@pytest.mark.parametrize("name", ["ham", "spam"])
def test_every_template_of_the_package_can_be_said(name):
    phrases, rng = load(name), random.Random(0)
    for each in phrases.kinds:
        for template in each.templates:
            alone = Kind(each.name, each.weight, each.channels, (template,), slots=each.slots)
            for _ in range(20):
                assert not set("[]{}|#") & set(compose(alone, shared=phrases.slots, rng=rng))
