"""One step of the optimizers that bitsandbytes has, on float32 tensors.

Adam: Kingma and Ba, 2015, with decoupled decay (Loshchilov and Hutter, 2019). LAMB: You et al.,
2020. LARS: You et al., 2017. AdEMAMix: Pagliardini et al., 2024. Lion: Chen et al., 2023. RMSprop:
Hinton, 2012. Adagrad: Duchi et al., 2011.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

NAMES = ("adam", "lamb", "ademamix", "momentum", "lars", "lion", "rmsprop", "adagrad")
_COUPLED = ("momentum", "lars", "rmsprop", "adagrad")  # decay is part of the gradient


@dataclass(frozen=True)
class Settings:
    """What a step depends on besides its tensors."""

    name: str
    step: int
    lr: float
    beta1: float
    beta2: float
    beta3: float
    alpha: float
    eps: float
    weight_decay: float
    max_unorm: float = 0.0
    param_norm: float = 0.0


def update(
    s: Settings,
    gradient: torch.Tensor,
    parameter: torch.Tensor,
    state1: torch.Tensor,
    state2: torch.Tensor | None,
) -> float:
    """Advance `parameter` and the states in place; all are float32.

    `state1` is the first moment (``[2, ...]`` of AdEMAMix: the fast and the slow one), or the
    second moment of RMSprop and Adagrad; `state2` the second moment where there are two states.

    Returns
    -------
    float
        The squared norm of the step's direction where `max_unorm` bounds it, else 0.
    """
    if s.name not in NAMES:
        raise ValueError(f"optimizer_name is {s.name!r}, expected one of {', '.join(NAMES)}")
    if s.weight_decay > 0 and s.name in _COUPLED:
        gradient = gradient + s.weight_decay * parameter
    elif s.weight_decay > 0:
        parameter.mul_(1 - s.lr * s.weight_decay)
    direction = _direction(s, gradient, state1, state2)
    squared = 0.0
    scale = 1.0
    if s.max_unorm > 0:
        squared = float(torch.sum(direction * direction))
        bound = s.max_unorm * s.param_norm
        if squared > bound * bound:
            scale = bound / squared**0.5
    parameter.add_(direction, alpha=-s.lr * scale)
    return squared


def _direction(
    s: Settings, g: torch.Tensor, state1: torch.Tensor, state2: torch.Tensor | None
) -> torch.Tensor:
    if s.name in ("momentum", "lars"):
        state1.mul_(0 if s.step == 1 else s.beta1).add_(g)
        return state1
    if s.name == "lion":
        direction = torch.lerp(g, state1, s.beta1).sign_()
        state1.lerp_(g, 1 - s.beta2)
        return direction
    if s.name == "rmsprop":
        state1.mul_(s.beta1).addcmul_(g, g, value=1 - s.beta1)
        return g / (state1.sqrt() + s.eps)
    if s.name == "adagrad":
        state1.addcmul_(g, g)
        return g / (state1.sqrt() + s.eps)
    if state2 is None:
        raise ValueError(f"state2 is None, expected the second moment of {s.name}")
    unbias1 = 1 - s.beta1**s.step
    unbias2 = 1 - s.beta2**s.step
    state2.mul_(s.beta2).addcmul_(g, g, value=1 - s.beta2)
    spread = (state2 / unbias2).sqrt_().add_(s.eps)
    if s.name == "ademamix":
        fast, slow = state1[0], state1[1]
        fast.mul_(s.beta1).add_(g, alpha=1 - s.beta1)
        slow.mul_(s.beta3).add_(g, alpha=1 - s.beta3)
        return (fast / unbias1 + s.alpha * slow) / spread
    state1.mul_(s.beta1).add_(g, alpha=1 - s.beta1)
    return state1 / unbias1 / spread
