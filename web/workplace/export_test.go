package workplace

// Menus are the paths and actions of the main menu.
func Menus(seen func(key, path string)) {
	for _, m := range menus {
		for _, p := range m.pages {
			seen(p.key, p.path)
		}
	}
}
