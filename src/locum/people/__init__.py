"""Who is who. One file per source; each fills in seam.People."""
