// Package tagfile reads Microsoft's lists of Azure's public addresses into the
// estate's catalogue: service tag files (the weekly download in its old and
// new shape, the answer of the API, of az and of Az PowerShell) and the
// "Azure Datacenter IP Ranges" XML (STJ, XML, XMLR, TAG).
//
// The content decides whether a file is one of these: see [IsServiceTags] and
// [IsDatacenterRanges]. The weekly file, four megabytes that every run reads,
// has a way of its own: [ReadUsual] makes an index of it in one pass over the
// text, or takes the index from a [Cache].
package tagfile
