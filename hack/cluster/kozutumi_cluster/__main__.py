from kozutumi_cluster.cli import main

main()
