"""Deploy-risk report: what a preview means for traffic, data and the way back."""
