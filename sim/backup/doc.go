// Package backup says whether the virtual machines of an estate can be backed
// up with Azure Backup: what each profile requires, by which of the three ways
// out (service tag, datacenter ranges, proxy) the machine gets it, the first
// leg that stops it, whether the machine itself is fit, and what would mend it
// (spec 8.2 and 9; BK16 to MTX26).
//
// Every leg of the network is a trace of package sim; this package asks the
// questions, folds the answers and never judges a packet itself.
package backup
