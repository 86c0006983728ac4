"""The burst test: which campaigns come far more often than their own past lets one expect."""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from operator import itemgetter
from typing import Final, Self

BUCKET_MS: Final = 10_000  # event time that is counted together
HALF_LIFE_BUCKETS: Final = 360  # an hour: what was learned weighs half as much after it
WINDOW_BUCKETS: Final = 3  # tested together, and not learned yet: a burst must not be its own baseline
ALARM_P: Final = 1e-7  # 500 groups are tested four million times a day
ALARM_COUNT: Final = 8  # fewer messages in a window are no burst, however rare
MAX_CAMPAIGNS: Final = 10_000  # whose past is kept, the largest ones; of others a burst is one of a new campaign
ALARM_FACTOR: Final = 3.0  # times the mean: large campaigns do not alarm for being a little larger

_PRIOR_MESSAGES = 0.5  # of a campaign that was never seen,
_PRIOR_EXPOSURE = 1000.0  # in so many messages: few, so that a slow stream learns too (docs/decisions/0051)
_LARGEST_SHAPE = 5.0  # rates vary by sqrt(1/5) at least, however long a campaign is known
_DECAY = 2 ** (-1 / HALF_LIFE_BUCKETS)
_FORGOTTEN = 0.01  # above the prior: as good as never seen


@dataclass(frozen=True, slots=True)
class Burst:
    """A campaign whose last window was far above its past.

    Attributes:
        campaign: its id.
        count: messages of the window.
        expected: messages that its past lets one expect there.
        p: probability of so many or more.
    """

    campaign: str
    count: int
    expected: float
    p: float


@dataclass(frozen=True, slots=True)
class BurstState:
    """All that a burst test knows, to go on elsewhere: plain numbers and texts.

    Attributes:
        bucket: the next one to be closed; None: none was.
        closed: buckets closed so far, up to the half-life.
        beta: messages learned from, decayed.
        alphas: messages of each campaign, decayed.
        window: of the buckets that are not learned yet, their counts and all their messages, oldest first.
    """

    bucket: int | None
    closed: int
    beta: float
    alphas: Mapping[str, float]
    window: Sequence[tuple[Mapping[str, int], int]]


class BurstTest:
    """A Gamma-Poisson model of each campaign's share in the messages, decayed over event time.

    The share has the distribution Gamma(alpha, beta), so that the messages of a window are negative binomial. The
    exposure is messages, not time: neither the rhythm of a day nor a lag that is caught up changes a share. Silent for
    the first half-life. Buckets are closed one after the other.

    Example:
        >>> test = BurstTest()
        >>> for bucket in range(400):
        ...     assert not test.close(bucket, {"old": 5}, messages=100)
        >>> [burst.campaign for burst in test.close(400, {"old": 6, "new": 9}, messages=110)]
        ['new']
    """

    __slots__ = ("_alphas", "_beta", "_bucket", "_closed", "_window")

    def __init__(self) -> None:
        self._alphas: dict[str, float] = {}
        self._beta = _PRIOR_EXPOSURE
        self._window: deque[tuple[Mapping[str, int], int]] = deque()
        self._bucket: int | None = None
        self._closed = 0

    @property
    def bucket(self) -> int | None:
        """The next one to be closed; None: whichever comes first."""
        return self._bucket

    def close(self, bucket: int, counts: Mapping[str, int], *, messages: int) -> Sequence[Burst]:
        """Test the window that ends with a bucket; buckets before it that were not closed were empty.

        Args:
            bucket: event time / BUCKET_MS.
            counts: messages of each campaign in it.
            messages: all in it, of campaigns or not.

        Raises:
            ValueError: it was closed before.
        """
        if self._bucket is not None:
            if bucket < self._bucket:
                raise ValueError(f"expected bucket {self._bucket} or a later one, got {bucket}")
            self._pass(bucket - self._bucket)
        self._advance(counts, messages)
        self._bucket = bucket + 1
        return self._test() if self._closed > HALF_LIFE_BUCKETS else ()

    def early(self, counts: Mapping[str, int], *, messages: int) -> Sequence[Burst]:
        """Bursts of campaigns without a past, in a window of buckets that are not closed yet.

        Its messages may be of some partitions alone: for a campaign that lives in one of these, they would be a wrong
        exposure, so that the others wait until their buckets are closed.

        Args:
            counts: messages of each campaign in the window.
            messages: all in it.
        """
        if self._closed <= HALF_LIFE_BUCKETS:
            return ()
        unknown = {campaign: count for campaign, count in counts.items() if campaign not in self._alphas}
        return self._bursts(unknown, messages)

    def expected(self, campaign: str, messages: int) -> float:
        """How many of so many messages the past lets one expect to be of a campaign."""
        return self._alphas.get(campaign, _PRIOR_MESSAGES) * messages / self._beta

    @property
    def window_messages(self) -> int:
        """All messages of the last window."""
        return sum(messages for _, messages in self._window)

    def state(self) -> BurstState:
        """What to keep, so that a restart is no new beginning."""
        return BurstState(self._bucket, self._closed, self._beta, dict(self._alphas), list(self._window))

    @classmethod
    def restored(cls, state: BurstState) -> Self:
        """A test that goes on where another one was."""
        test = cls()
        test._bucket, test._closed, test._beta = state.bucket, state.closed, state.beta
        test._alphas = dict(state.alphas)
        test._window = deque((counts, messages) for counts, messages in state.window)
        return test

    def _pass(self, empty: int) -> None:
        for _ in range(min(empty, WINDOW_BUCKETS)):
            self._advance({}, 0)
        if empty > WINDOW_BUCKETS:
            self._decay(_DECAY ** (empty - WINDOW_BUCKETS))
            self._closed += empty - WINDOW_BUCKETS

    def _advance(self, counts: Mapping[str, int], messages: int) -> None:
        self._window.append((counts, messages))
        self._closed += 1
        if len(self._window) > WINDOW_BUCKETS:
            learned, exposure = self._window.popleft()
            self._decay(_DECAY)
            self._beta += exposure
            for campaign, count in learned.items():
                self._alphas[campaign] = self._alphas.get(campaign, _PRIOR_MESSAGES) + count
            if len(self._alphas) > MAX_CAMPAIGNS:
                self._alphas = dict(nlargest(MAX_CAMPAIGNS, self._alphas.items(), key=itemgetter(1)))

    def _decay(self, factor: float) -> None:
        """Towards the prior."""
        self._beta = factor * self._beta + (1 - factor) * _PRIOR_EXPOSURE
        prior = (1 - factor) * _PRIOR_MESSAGES
        decayed = ((campaign, factor * alpha + prior) for campaign, alpha in self._alphas.items())
        self._alphas = {campaign: alpha for campaign, alpha in decayed if alpha > _PRIOR_MESSAGES + _FORGOTTEN}

    def _test(self) -> Sequence[Burst]:
        counts: Counter[str] = Counter()
        for found, _ in self._window:
            counts.update(found)
        return self._bursts(counts, self.window_messages)

    def _bursts(self, counts: Mapping[str, int], messages: int) -> Sequence[Burst]:
        bursts = []
        for campaign, count in counts.items():
            mean = self.expected(campaign, messages)
            if count >= ALARM_COUNT and count >= ALARM_FACTOR * mean:
                p = tail(count, mean=mean, shape=min(self._alphas.get(campaign, _PRIOR_MESSAGES), _LARGEST_SHAPE))
                if p < ALARM_P:
                    bursts.append(Burst(campaign, count, mean, p))
        return bursts


def tail(count: int, *, mean: float, shape: float) -> float:
    """P[X >= count] of a negative binomial X with that mean, and variance mean + mean^2 / shape."""
    if count <= 0:
        return 1.0
    from scipy.special import betainc  # noqa: PLC0415  # no worker waits for its import that looks for no campaigns

    return float(betainc(count, shape, mean / (shape + mean)))
