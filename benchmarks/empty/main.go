// Empty does nothing: what it takes is what starting any Go program takes, the
// yardstick of row P11.
package main

func main() {}
