module weir/render/wire

go 1.26.0
