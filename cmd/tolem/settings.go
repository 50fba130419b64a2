package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func configCommand(io streams) *cobra.Command {
	print := &cobra.Command{Use: "print", Short: "Print every setting as it holds, secrets masked", Args: noArgs}
	file := configFlag(print)
	print.RunE = func(*cobra.Command, []string) error {
		c, err := loadConfig(*file)
		if err != nil {
			return err
		}
		_, err = io.out.Write(c.Print())
		return err
	}
	check := &cobra.Command{Use: "check", Short: "Check the configuration and say what is wrong", Args: noArgs}
	checked := configFlag(check)
	check.RunE = func(*cobra.Command, []string) error {
		if _, err := loadConfig(*checked); err != nil {
			return err
		}
		fmt.Fprintf(io.out, "%s is in order\n", *checked)
		return nil
	}
	return group("config", "Check and print the configuration", print, check)
}
