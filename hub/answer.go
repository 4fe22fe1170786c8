package hub

import (
	"context"
	"errors"
)

func refuse(p *Problem) Answer { return Answer{Problem: p} }

func unavailable() *Problem {
	return Problemf(CodeUnavailable, "the store cannot take this now; try again with the same id")
}

func (h *Hub) failed(ctx context.Context, cmd Command, err error) Answer {
	if !errors.Is(err, ErrUnavailable) && ctx.Err() == nil {
		h.log.Error("the engine failed", "method", cmd.Method, "on", cmd.On, "err", err)
	}
	return refuse(unavailable())
}

func replayed(res Result) Answer {
	a := Answer{Position: res.Position, Event: res.Event, Replayed: true}
	if res.Problem != nil {
		p, err := DecodeProblem(res.Problem)
		if err != nil {
			p = Problemf(CodeInternal, "the remembered answer is not readable")
		}
		a.Problem = p
	}
	return a
}
