package form

import "errors"

// code128 are the widths of bars and gaps in turn, by value (ISO/IEC 15417).
var code128 = [...]string{
	"212222", "222122", "222221", "121223", "121322", "131222", "122213", "122312", "132212", "221213",
	"221312", "231212", "112232", "122132", "122231", "113222", "123122", "123221", "223211", "221132",
	"221231", "213212", "223112", "312131", "311222", "321122", "321221", "312212", "322112", "322211",
	"212123", "212321", "232121", "111323", "131123", "131321", "112313", "132113", "132311", "211313",
	"231113", "231311", "112133", "112331", "132131", "113123", "113321", "133121", "313121", "211331",
	"231131", "213113", "213311", "213131", "311123", "311321", "331121", "312113", "312311", "332111",
	"314111", "221411", "431111", "111224", "111422", "121124", "121421", "141122", "141221", "112214",
	"112412", "122114", "122411", "142112", "142211", "241211", "221114", "413111", "241112", "134111",
	"111242", "121142", "121241", "114212", "124112", "124211", "411212", "421112", "421211", "212141",
	"214121", "412121", "111143", "111341", "131141", "114113", "114311", "411113", "411311", "113141",
	"114131", "311141", "411131", "211412", "211214", "211232",
}

// Of code set C, which has two digits in a character.
const (
	startC   = 105
	stopBars = "2331112"
)

// ErrBars reports text that has no bar code here.
var ErrBars = errors.New("a bar code is of digits, of an even number of them")

// Bar is a dark bar of a bar code, in modules from its left.
type Bar struct{ At, Width int }

// BarCode returns the bar code of digits, as hand scanners read it (Code 128), and
// how many modules it is wide. Ten modules beside it on each side stay white.
func BarCode(digits string) (bars []Bar, width int, err error) {
	if len(digits) == 0 || len(digits)%2 != 0 {
		return nil, 0, ErrBars
	}
	draw := func(widths string) {
		for i, w := range widths {
			if i%2 == 0 {
				bars = append(bars, Bar{width, int(w - '0')})
			}
			width += int(w - '0')
		}
	}
	draw(code128[startC])
	sum := startC
	for i := 0; i < len(digits); i += 2 {
		a, b := digits[i]-'0', digits[i+1]-'0'
		if a > 9 || b > 9 {
			return nil, 0, ErrBars
		}
		value := int(a)*10 + int(b)
		draw(code128[value])
		sum += (i/2 + 1) * value
	}
	draw(code128[sum%103])
	draw(stopBars)
	return bars, width, nil
}
