"""What the app's pages show: runs, their images and predictions, data sets, figures."""
