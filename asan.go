package tolem

// AsanPointID names an ASAN service point: operators are attached to it.
type AsanPointID string
