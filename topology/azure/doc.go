// Package azure is the place of everything that needs Azure's SDK. Live
// export, which writes the files that topology/load reads, will live here; it
// is the only package that imports the SDK, so that the simulator and the
// command do not carry it.
//
// Until then its test holds the loaders to the SDK: every property that the
// SDK's models can carry must be classed in the loaders' property table.
package azure
