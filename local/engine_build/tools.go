//go:build engine

// Package engine names the one program that this module exists to build: the Pulumi command line.
package engine

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
