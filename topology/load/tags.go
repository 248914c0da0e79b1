package load

import "github.com/netpath/netpath/internal/doctree"

func (rd *reading) tagFile(*doctree.Source) (bool, error) { return false, nil }
