package simulator

import (
	"encoding/json"
	"errors"
	"net/http"
)

// ServeHTTP serves the scene: GET /sim/state shows it, PUT changes it. The
// bridge has looked at where the request comes from.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/sim/state" {
		http.NotFound(w, r)
		return
	}
	switch r.Method {
	case http.MethodGet:
	case http.MethodPut:
		var c Change
		d := json.NewDecoder(r.Body)
		d.DisallowUnknownFields()
		err := d.Decode(&c)
		if err == nil {
			err = s.Set(c)
		} else {
			err = errors.Join(ErrScene, err)
		}
		if err != nil {
			status := http.StatusInternalServerError
			if errors.Is(err, ErrScene) {
				status = http.StatusBadRequest
			}
			http.Error(w, err.Error(), status)
			return
		}
	default:
		w.Header().Set("Allow", "GET, PUT")
		http.Error(w, "GET or PUT", http.StatusMethodNotAllowed)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(s.Scene())
}
