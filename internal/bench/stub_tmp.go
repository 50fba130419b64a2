package bench
import "context"
func (s *session) gateway(context.Context) error { return nil }
func (s *session) cost(context.Context) error { return nil }
