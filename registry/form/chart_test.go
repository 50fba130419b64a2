package form_test

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tolem"
	"tolem/internal/tolemtest"
	"tolem/registry/form"
)

// payments is a chart of the sums of three banks in a month.
func payments(l form.Language, kind form.ChartKind) *form.Chart {
	c := &form.Chart{Title: labels[l][11], Kind: kind, Currency: tolem.KZT, Series: []form.Series{{Name: "HALYK"}, {Name: "«Ақ & Жол»"}, {Name: "<b>OTHER"}}}
	for day := range 30 {
		c.Labels = append(c.Labels, fmt.Sprintf("%02d.11", day+1))
		for n := range c.Series {
			c.Series[n].Values = append(c.Series[n].Values, int64((day*37+n*53)%91+20)*123_456_78)
		}
	}
	return c
}

// GW-062, GW-063
func TestSVG(t *testing.T) {
	xmllint := tolemtest.RequireTool(t, "xmllint")
	for _, kind := range []form.ChartKind{form.Bars, form.Lines} {
		var b bytes.Buffer
		if err := form.WriteSVG(&b, *payments(form.Kazakh, kind), form.Kazakh); err != nil {
			t.Fatal(err)
		}
		tolemtest.Golden(t, fmt.Sprintf("chart-%d.svg", kind), b.Bytes())
		file := filepath.Join(t.TempDir(), "chart.svg")
		if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(xmllint, "--noout", "--nonet", file).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		for _, forbidden := range []string{"<script", "href", "url(", "onload", "<b>"} {
			if strings.Contains(b.String(), forbidden) {
				t.Errorf("the chart has %s", forbidden)
			}
		}
		for _, wanted := range []string{`role="img"`, "<title>Төлемдер</title>", "<desc>HALYK, 01.11 – 30.11: ең көбі", "млн KZT", "currentColor"} {
			if !strings.Contains(b.String(), wanted) {
				t.Errorf("the chart lacks %s", wanted)
			}
		}
	}
}

// Any chart has an axis of a few round steps that holds its values, and is
// well-formed.
func TestEveryChartFitsItsAxis(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.OneOf(
			rapid.Int64Range(-form.MaxChartValue, form.MaxChartValue), rapid.Int64Range(-1000, 100_000), rapid.Int64Range(0, 3),
		), 0, 40).Draw(t, "values")
		c := form.Chart{
			Kind: form.ChartKind(rapid.IntRange(0, 1).Draw(t, "kind")), Currency: rapid.SampledFrom([]tolem.Currency{"", tolem.UZS}).Draw(t, "currency"),
			Labels: make([]string, len(values)), Series: []form.Series{{Name: "n", Values: values}, {Name: "again", Values: values}},
		}
		low, high, step := c.Ticks(form.English)
		for _, v := range values {
			if v < low || v > high {
				t.Fatalf("%d is not on the axis from %d to %d", v, low, high)
			}
		}
		if low > 0 || high < 0 || low >= high || step < 1 || low%step != 0 || high%step != 0 || (high-low)/step > 10 {
			t.Fatalf("axis from %d to %d in steps of %d", low, high, step)
		}
		var b bytes.Buffer
		if err := form.WriteSVG(&b, c, form.English); err != nil {
			t.Fatal(err)
		}
		if err := xml.Unmarshal(b.Bytes(), new(struct{})); err != nil {
			t.Fatal(err)
		}
	})
}

// Colours of series are told from a white and from a dark page (WCAG 2.2,
// 1.4.11: 3 to 1).
func TestPaletteIsSeenOnLightAndDark(t *testing.T) {
	light, dark := luminance([3]int{255, 255, 255}), luminance([3]int{0x12, 0x12, 0x12})
	for _, c := range form.Palette {
		l := luminance(c)
		if onLight, onDark := (light+0.05)/(l+0.05), (l+0.05)/(dark+0.05); onLight < 3 || onDark < 3 {
			t.Errorf("%x: %.1f on light, %.1f on dark", c, onLight, onDark)
		}
	}
}

func luminance(c [3]int) float64 {
	sum := 0.0
	for i, share := range []float64{0.2126, 0.7152, 0.0722} {
		v := float64(c[i]) / 255
		if v <= 0.04045 {
			v /= 12.92
		} else {
			v = math.Pow((v+0.055)/1.055, 2.4)
		}
		sum += share * v
	}
	return sum
}
