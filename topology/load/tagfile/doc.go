// Package tagfile reads Microsoft's lists of Azure's public addresses into the
// estate's catalogue: service tag files (the weekly download in its old and
// new shape, the answer of the API, of az and of Az PowerShell) and the
// "Azure Datacenter IP Ranges" XML (STJ, XML, XMLR, TAG).
//
// The content decides whether a file is one of these: see [Detect],
// [IsServiceTags] and [IsDatacenterRanges].
package tagfile
